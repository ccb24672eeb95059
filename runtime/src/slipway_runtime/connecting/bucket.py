"""The media bucket: is it there, and do the keys open it? Nothing is written."""

from collections.abc import Mapping
from typing import Any

from slipway_runtime.conf.env import Env
from slipway_runtime.connecting import Found, Said, shown

_WORDS = {"403": "the keys do not open it", "404": "there is no such bucket"}


def ask(environ: Mapping[str, str], seconds: float) -> Said:
    """HEAD the bucket. Raises `ImportError` where the image has no boto3."""
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    env = Env(environ)
    limits = {"connect_timeout": seconds, "read_timeout": seconds, "retries": {"max_attempts": 0}}
    client: Any = boto3.client(
        "s3",
        endpoint_url=env.text("AWS_S3_ENDPOINT_URL") or None,
        region_name=env.text("AWS_S3_REGION_NAME") or None,
        aws_access_key_id=env.text("AWS_ACCESS_KEY_ID") or None,
        aws_secret_access_key=env.text("AWS_SECRET_ACCESS_KEY") or None,
        config=Config(**limits),
    )
    try:
        client.head_bucket(Bucket=env.text("AWS_STORAGE_BUCKET_NAME"))
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        return Said((Found("bucket", _WORDS.get(code, f"answers {code}"), "look at the AWS_ variables"),))
    except BotoCoreError as error:
        return Said((Found("bucket", f"does not answer: {shown(error)}", "look at AWS_S3_ENDPOINT_URL"),))
    return Said()
