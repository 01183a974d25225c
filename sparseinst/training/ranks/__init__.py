"""The processes of one training run: who they are, how they agree, how they are started and what they report."""
