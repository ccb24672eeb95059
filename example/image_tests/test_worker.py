"""The example's own tests of its worker's container."""


def test_the_tasks_are_there(host):
    assert host.file("/app/plays/tasks.py").is_file
