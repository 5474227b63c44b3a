"""Models on this machine: what a directory or name holds, its one tokenizer, its chat template, GGUF made when needed."""
