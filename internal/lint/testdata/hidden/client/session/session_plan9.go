// For one system only. // want "hidden: .*not built here"

package session
