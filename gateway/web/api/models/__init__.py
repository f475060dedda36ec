"""Bodies, parameters and answers of the API, as pydantic models; what they say is the OpenAPI document."""
