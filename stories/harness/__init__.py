"""What the stories run on: Rolecall's programs, an emulated account, a peer issuer, and a ledger of
every secret seen, against which all output is searched at the end."""
