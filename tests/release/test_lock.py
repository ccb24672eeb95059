"""A lock's text: what it was made from, what it holds, what it lacks."""

from slipway.release.lock import Lock, Wanted, names_matching

RESOLVED = """# python: 3.11
celery==5.5.3 \\
    --hash=sha256:aa
    # via -r requirements.in
django==5.1.4 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via
    #   -r requirements.in
    #   Django-Redis
django-redis==5.4.0 \\
    --hash=sha256:dd
    # via -r requirements.in
faker==1.0 \\
    --hash=sha256:ee
    # via django-redis
"""
WANTED = Wanted(("Django>=5.1", "celery<6", "django-redis"), ("kombu<5.6",), ("faker",))
LOCK = Lock.made(RESOLVED, WANTED)


def test_a_lock_knows_what_it_was_made_from_and_tells_a_reader() -> None:
    assert LOCK.made_from == WANTED.digest
    assert LOCK.text.splitlines()[:4] == [
        "# Every Python package of the backend image, with its hashes. `inv build.lock` writes this file.",
        f"# made from: {WANTED.digest}",
        "# python: 3.11",
        "# left out: faker",
    ]
    assert LOCK.text.endswith("# via django-redis\n")
    assert Lock("django==5\n").made_from == ""


def test_order_and_repetition_do_not_make_another_lock_and_a_constraint_is_no_requirement() -> None:
    assert Wanted(("a", "b", "a"), ("c",)).digest == Wanted(("b", "a"), ("c",)).digest
    assert len({Wanted(("a",), ("b",)).digest, Wanted(("a", "b")).digest, Wanted((), ("a", "b")).digest}) == 3


def test_pins_and_who_needs_them() -> None:
    assert LOCK.pins == {"celery": "5.5.3", "django": "5.1.4", "django-redis": "5.4.0", "faker": "1.0"}
    assert LOCK.required_by("faker") == ("django-redis",)
    assert LOCK.required_by("django") == ("Django-Redis",)
    assert LOCK.required_by("celery") == ()


def test_what_does_not_fit_is_named() -> None:
    wanted = Wanted(
        (
            "Django>=5.2",
            "requests",
            "celery",
            "colorama; sys_platform == 'win32'",
            "django-redis==5.4.0 --hash=sha256:dd",
        )
    )
    assert list(LOCK.misfits(wanted)) == [
        "Django>=5.2 is asked for, the lock has 5.1.4",
        "requests is asked for and not in the lock",
    ]


def test_changes_are_told_package_by_package() -> None:
    later = Lock(LOCK.text.replace("django==5.1.4", "django==5.1.5").replace("faker==1.0", "freezegun==2"))
    assert later.changes_from(LOCK) == ("django 5.1.4 -> 5.1.5", "+ freezegun 2", "- faker 1.0")
    assert LOCK.changes_from(LOCK) == ()


def test_a_pattern_spells_names_as_people_do() -> None:
    found = names_matching(["Factory_Boy", "pytest-*", "absent"], ["factory-boy", "pytest", "pytest-cov"])
    assert found == {"Factory_Boy": ("factory-boy",), "pytest-*": ("pytest-cov",), "absent": ()}
