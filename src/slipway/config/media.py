"""Where browsers load media from that lie in a bucket: the origins that a portal's security policy lets in."""

from collections.abc import Callable

from slipway.config.kinds import split_url


def media_origins(text_of: Callable[[str], str]) -> tuple[str, ...]:
    """Return the origins of the bucket's files, none without a bucket.

    `text_of` gives a variable's value, "" without one. The names and their meaning are django-storages' own: a custom
    domain serves all files; else the bucket is a part of the host (Amazon) or of the path (an S3 server elsewhere).
    """
    if domain := text_of("AWS_S3_CUSTOM_DOMAIN"):
        return (f"https://{domain.partition('/')[0]}",)
    bucket = text_of("AWS_STORAGE_BUCKET_NAME")
    if not bucket:
        return ()
    if endpoint := split_url(text_of("AWS_S3_ENDPOINT_URL")):
        return (f"{endpoint.scheme}://{endpoint.netloc.rpartition('@')[2]}",)
    region = text_of("AWS_S3_REGION_NAME")
    hosts = [f"{bucket}.s3.amazonaws.com"] + ([f"{bucket}.s3.{region}.amazonaws.com"] if region else [])
    return tuple(f"https://{host}" for host in hosts)
