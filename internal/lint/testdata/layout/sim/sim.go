// Package sim stands on top of both.
package sim
