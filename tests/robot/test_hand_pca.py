import numpy as np

from mjxdex.robot import hand_pca, tables


def test_rows_are_orthonormal():
    np.testing.assert_allclose(hand_pca.MATRIX @ hand_pca.MATRIX.T, np.eye(5), atol=2e-5)


def test_coordinates_of_the_reset_hand():
    expected = (0.94763, 0.57033, -0.23753, 0.14870, -0.97549)
    np.testing.assert_allclose(hand_pca.MATRIX @ tables.RESET_POS[7:], expected, atol=6e-6)
