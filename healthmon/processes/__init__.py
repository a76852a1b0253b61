"""The shells: read rows, call a decision, write rows. Named as supervisord names them."""
