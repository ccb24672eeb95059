"""What a person types: `inv --list` is the table of contents."""

from invoke import Collection

from . import build, check, db, deploy, env, rehearse, test

namespace = Collection(
    Collection.from_module(build),
    Collection.from_module(check),
    Collection.from_module(db),
    Collection.from_module(deploy),
    Collection.from_module(env),
    Collection.from_module(rehearse),
    test.test,
)
