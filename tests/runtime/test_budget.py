import pytest

from mjxdex.config import PhysicsConfig
from mjxdex.runtime import budget


def row(contact: float, constraint: float) -> dict[str, float]:
    return {"info/sim/contact_overflow": contact, "info/sim/constraint_overflow": constraint}


def test_a_stray_overflow_is_let_pass():
    budget.check(PhysicsConfig(), row(0.0005, 0.0))


@pytest.mark.parametrize(
    ("found", "setting"),
    [
        (row(0.02, 0.0), "--physics.contacts_per_env 36"),
        (row(0.0, 0.5), "--physics.constraints_per_env 384"),
    ],
)
def test_too_many_name_the_setting_to_raise(found, setting):
    with pytest.raises(budget.BudgetError) as error:
        budget.check(PhysicsConfig(contacts_per_env=24, constraints_per_env=256), found)
    assert setting in str(error.value) and "\n" not in str(error.value)
