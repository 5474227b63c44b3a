"""Models on this machine: what a name or directory holds, its tokenizer, its chat template, adapters."""
