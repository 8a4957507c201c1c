// What tests may see of the inside.

package protocol

// Retained returns the capacity of the decoder's buffer, in bytes.
func (d *RequestDecoder) Retained() int { return cap(d.s.buf) }
