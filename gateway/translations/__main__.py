"""`python -m gateway.translations`"""

from gateway.translations.maintenance import main

if __name__ == "__main__":
    main(prog_name="python -m gateway.translations")
