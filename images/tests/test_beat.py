"""What the beat's container must be like; `host` is testinfra's, as the image's user."""


def test_it_runs_as_the_user_of_the_image(host):
    assert host.check_output("id -u") == "10001"


def test_its_heartbeat_is_its_own(host):
    heartbeat = host.file("/run/slipway/beat.heartbeat")
    assert heartbeat.is_file
    assert heartbeat.uid == 10001


def test_its_role_is_written_down(host):
    assert host.file("/run/slipway/role").content_string.strip() == "beat"
