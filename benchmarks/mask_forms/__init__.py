"""How masks may travel from the server to a client: what each form weighs, and what it costs in AP."""
