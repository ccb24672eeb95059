"""What broker, results, cache, channels and the overlay itself ask of Redis, as commands on keys that nobody has.

Read from the sources of kombu 5.5 to 5.7 (transport/redis.py), celery (backends/redis.py), channels_redis 4.3 (core.py
and pubsub.py), django and django-redis with the overlay's own backends, and `board`, `circuits` and `limiting.buckets`.
The words text, list, hash, set, sorted stand for keys, `channel` for a channel. The order is one in which they can
also be carried out: what takes comes after what gives, so nothing blocks.
"""

from dataclasses import dataclass

Words = tuple[str, ...]

_SCRIPT = """
EVAL return(1) 1 text
EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 1 text
SCRIPT LOAD return(1)
"""
_BROKER = """
LPUSH list 1
RPUSH list 1
LLEN list
BRPOP list 1
RPOP list
HSET hash field 1
HGET hash field
HINCRBY hash count 1
HINCRBYFLOAT hash share 0.5
HGETALL hash
HLEN hash
HDEL hash field
SADD set member
SMEMBERS set
SREM set member
ZADD sorted 1 member
ZRANGE sorted 0 -1
ZREVRANGE sorted 0 -1
ZREVRANGEBYSCORE sorted 1 0
ZREMRANGEBYSCORE sorted 0 0
ZREM sorted member
SET text 1 EX 60
GET text
EXISTS text
PTTL text
PEXPIRE list 60000
EXPIRE hash 60
EXPIRE sorted 60
EXPIRE set 60
TIME
PUBLISH channel 1
"""
_RESULTS = """
SET text 1 EX 60
SETEX text 60 1
GET text
MGET text
EXPIRE text 60
INCR counter
EXPIRE counter 60
RPUSH list 1
LLEN list
LRANGE list 0 -1
EXPIRE list 60
ZADD sorted 1 member
ZCOUNT sorted -inf +inf
ZRANGE sorted 0 -1
EXPIRE sorted 60
PUBLISH channel 1
"""
_CACHE = """
SET text 1 EX 60
MSET text 1
GET text
MGET text
INCRBY text 1
PERSIST text
EXISTS text
TTL text
PTTL text
EXPIRE text 60
PEXPIRE text 60000
SCAN 0 MATCH text COUNT 1
UNLINK text
"""
_CHANNELS = """
ZADD sorted 1 member
ZCOUNT sorted -inf +inf
ZRANGE sorted 0 -1
ZREMRANGEBYSCORE sorted 0 0
EXPIRE sorted 60
BZPOPMIN sorted 1
ZPOPMIN sorted
ZREM sorted member
PUBLISH channel 1
"""
_CIRCUITS = """
SET text 1 EX 60
HSET hash field 1
HINCRBY hash count 1
HGET hash field
EXPIRE hash 60
EXISTS hash
ZADD sorted 1 member
ZRANGEBYSCORE sorted 0 +inf
EXPIRE sorted 60
"""
_LIMITS = """
SET text 1 PX 60000
GET text
TIME
"""


@dataclass(frozen=True, slots=True)
class Need:
    """One user of Redis: where its keys begin, what it asks; `listens`: the command by which it subscribes there.

    `package` is what a project has that uses it, "" where the overlay itself does.
    """

    name: str
    prefix: str
    commands: tuple[Words, ...]
    listens: str = ""
    package: str = ""


def needs(namespace: str) -> tuple[Need, ...]:
    """Return every user of Redis below `namespace`, with the prefixes that `conf.redis` and its like give them."""
    return (
        Need("broker", f"{namespace}.broker.", _words(_BROKER + _SCRIPT), "PSUBSCRIBE", "kombu"),
        Need("results", f"{namespace}.results.", _words(_RESULTS + _SCRIPT), "SUBSCRIBE", "celery"),
        Need("cache", f"{namespace}.cache:", _words(_CACHE + _SCRIPT)),
        Need(
            "channels",
            f"{namespace}.channels",
            _words(_CHANNELS + _SCRIPT),
            listens="SUBSCRIBE",
            package="channels_redis",
        ),
        Need("circuits", f"{namespace}.circuits:", _words(_CIRCUITS)),
        Need("limits", f"{namespace}.limits.", _words(_LIMITS + _SCRIPT)),
    )


def _words(text: str) -> tuple[Words, ...]:
    return tuple(tuple(line.split()) for line in text.splitlines() if line)
