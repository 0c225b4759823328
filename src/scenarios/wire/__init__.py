"""The hub's protocol and its clients; Unix stream sockets."""
