"""The example's own tests of the portal stations's container."""


def test_the_page_has_a_place_for_react(host):
    assert host.file("/usr/share/nginx/html/index.html").contains('id="root"')
