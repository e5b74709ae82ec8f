print("\27[2J\27[1;1Hall is well")
error("\27]0;owned\7 \226\128\174 back to \155 front")
