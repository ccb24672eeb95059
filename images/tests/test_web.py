"""What the API's container must be like; `host` is testinfra's, as the image's user."""


def test_it_runs_as_the_user_of_the_image(host):
    assert host.check_output("id -u") == "10001"


def test_its_code_belongs_to_root(host):
    manage = host.file("/app/manage.py")
    assert (manage.user, manage.group) == ("root", "root")
    assert manage.mode & 0o022 == 0


def test_its_check_cannot_be_changed(host):
    check = host.file("/usr/local/bin/healthcheck")
    assert check.user == "root"
    assert check.mode & 0o022 == 0


def test_its_settings_are_production_s(host):
    assert host.environment()["DJANGO_SETTINGS_MODULE"] == "slipway_runtime.settings"


def test_its_role_is_written_down(host):
    assert host.file("/run/slipway/role").content_string.strip() == "web"
