"""`DJANGO_SETTINGS_MODULE=slipway_runtime.settings`: the project's settings with production laid over them."""

import os

from slipway_runtime.conf import compose

globals().update(compose(os.environ))
