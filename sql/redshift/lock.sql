-- First in the transaction: snapshot isolation lets two loads insert the same new key, and neither gets error 1023.
LOCK TABLE {{ target }}
