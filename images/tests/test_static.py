"""What every portal's container must be like; `host` is testinfra's, as the image's user."""

ROOT = "/usr/share/nginx/html"


def test_it_runs_as_the_user_of_the_image(host):
    assert host.check_output("id -u") == "10001"


def test_its_pages_belong_to_root(host):
    index = host.file(f"{ROOT}/index.html")
    assert (index.user, index.group) == ("root", "root")
    assert index.mode & 0o022 == 0


def test_its_scripts_cannot_be_changed(host):
    for name in ("serve", "healthcheck"):
        script = host.file(f"/usr/local/bin/{name}")
        assert script.user == "root", name
        assert script.mode & 0o022 == 0, name


def test_its_role_is_written_down(host):
    assert host.file("/run/slipway/role").content_string.strip() == "static"
