"""`python -m gateway.translations`"""

from gateway.translations.maintenance import main

main(prog_name="python -m gateway.translations")
