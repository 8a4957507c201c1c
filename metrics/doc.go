// Package metrics shows the numbers of clients and servers to Prometheus. It asks for them
// when it is asked; nothing is counted here.
package metrics
