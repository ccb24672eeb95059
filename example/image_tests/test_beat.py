"""The example's own tests of beat's container."""


def test_the_scheduler_keeps_its_entries_in_the_database(host):
    assert host.run("python3 -c 'import django_celery_beat'").rc == 0
