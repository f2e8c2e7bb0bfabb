// Package proxies holds tests of what nginx and HAProxy, configured as they come,
// let through of what recourse sends: errors, degraded answers, deadlines. They
// need both programs; run.sh installs them in CI. What they find is in
// docs/proxies.md.
package proxies
