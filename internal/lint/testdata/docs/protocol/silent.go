package protocol // want "doc: the file does not say what it is about"

// Work without an issue is not accepted:
// todo: find a better name // want "unfinished: .* names no issue"

// Work that has one is: todo(#17), derive it.
const answer = 42 // FIXME #18: derive it
