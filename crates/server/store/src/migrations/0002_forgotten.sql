-- Up to when used evidence was forgotten, in the evidence's own times: what expired then or before
-- may have been used. A clock that goes backwards cannot make it good again.
CREATE TABLE forgotten (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    until    INTEGER NOT NULL
);
