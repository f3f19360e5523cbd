//! pullwright.yaml to typed settings.
