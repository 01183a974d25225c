// The curves need no script beyond what all pages have.
