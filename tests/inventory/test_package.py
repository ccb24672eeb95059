from slipway.inventory.package import Ecosystem, Inventory, Package, sorted_packages

ONE = Package(Ecosystem.PYTHON, "django", "5.1.7", licence="BSD")
OTHER = Package(Ecosystem.PYTHON, "django", "5.1.7", licence="BSD-3-Clause")


def test_a_licence_written_another_way_makes_no_other_package() -> None:
    # A source is asked once for a name and a version: its answer counts for every image that holds them.
    assert ONE == OTHER
    assert len(sorted_packages((ONE, OTHER))) == 1
    assert ONE in Inventory("backend", "zamio/backend:1", "sha256:1", (OTHER,)).packages


def test_one_of_its_own_is_another_package_than_the_published_one() -> None:
    assert Package(Ecosystem.PYTHON, "django", "5.1.7", own=True) != ONE
