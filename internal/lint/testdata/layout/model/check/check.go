// Package check is a driver of models, and no core.
package check

import _ "sync"
