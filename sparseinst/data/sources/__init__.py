"""Where data sets come from: folders, buckets, archives on the web, and what lies where inside them."""
