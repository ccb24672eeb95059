import pytest

from slipway.config.media import media_origins


@pytest.mark.parametrize(
    ("values", "origins"),
    [
        ({}, ()),
        ({"AWS_S3_REGION_NAME": "eu-west-1"}, ()),
        ({"AWS_STORAGE_BUCKET_NAME": "media"}, ("https://media.s3.amazonaws.com",)),
        (
            {"AWS_STORAGE_BUCKET_NAME": "media", "AWS_S3_REGION_NAME": "eu-west-1"},
            ("https://media.s3.amazonaws.com", "https://media.s3.eu-west-1.amazonaws.com"),
        ),
        (
            {"AWS_STORAGE_BUCKET_NAME": "media", "AWS_S3_ENDPOINT_URL": "https://u:p@s3.example.org:9000/x"},
            ("https://s3.example.org:9000",),
        ),
        ({"AWS_STORAGE_BUCKET_NAME": "m", "AWS_S3_CUSTOM_DOMAIN": "cdn.example.org/media"}, ("https://cdn.example.org",)),
    ],
)  # fmt: skip
def test_media_come_from_where_the_bucket_is(values: dict[str, str], origins: tuple[str, ...]) -> None:
    assert media_origins(lambda name: values.get(name, "")) == origins
