"""What every model is: frozen, strict about its keys, and silent about secrets."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import core_schema

from slipway.secret import Secret


class _OfSecret:
    """A `Secret` as a field: taken as one only, written as `[secret]`."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(
            Secret, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "writeOnly": True}


SecretField = Annotated[Secret, _OfSecret]


class Model(BaseModel):
    """A frozen value. No message of it shows what it was given, for that may be a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
