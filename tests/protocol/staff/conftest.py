from tests.protocol.pages.conftest import engine, gateway, installation, on_postgresql

__all__ = ["engine", "gateway", "installation", "on_postgresql"]
