"""The people who use the gateway: accounts, sign-in, second factors, PINs of patrons; and the keys of programs."""
