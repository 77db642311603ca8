"""The Kuka iiwa7 arm with the Allegro hand: tables, MuJoCo model, forward kinematics, hand PCA."""
