"""The example's own tests of its API's container, run by `inv check.images`; `host` is testinfra's."""


def test_the_django_project_is_in_its_place(host):
    assert host.file("/app/core/settings.py").is_file


def test_media_can_be_written(host):
    media = host.file("/app/media")
    assert media.is_directory
    assert media.uid == 10001
