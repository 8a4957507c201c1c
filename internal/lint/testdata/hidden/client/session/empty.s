// A body in assembly. // want "hidden: .*not built here"
