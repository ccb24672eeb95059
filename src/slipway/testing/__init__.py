"""In-memory ports: what Slipway's own tests use, shipped so that a workspace can test its steps and plans too.

    engine = FakeContainers({"127.0.0.1:5000/shop/backend:1.0.0": "sha256:1"})
    platform = FakePlatform(engine=engine)
    plan = provision_plan(databases, services, platform.observe(), platform, engine, tag="1.0.0")
    Execution(Lines()).run(plan)
    assert platform.services["api"].tag == "1.0.0"

None of them touches the world, and each can be told to fail: `platform.failures["deploy", "api"] = Refused("no")`.
"""

from slipway.testing.files import FakeImageFiles
from slipway.testing.host import FakeContainers, FakeLock, FakeShell, FakeState
from slipway.testing.images import FakeImages, FakeRecords
from slipway.testing.platform import FakePlatform
from slipway.testing.told import Clock, FakeStep, Lines
from slipway.testing.web import FakeWeb

__all__ = [
    "Clock",
    "FakeContainers",
    "FakeImageFiles",
    "FakeImages",
    "FakeLock",
    "FakePlatform",
    "FakeRecords",
    "FakeShell",
    "FakeState",
    "FakeStep",
    "FakeWeb",
    "Lines",
]
