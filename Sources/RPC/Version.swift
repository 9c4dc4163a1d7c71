/// The version of both programs, which answers carry (`Header.version`).
package enum Version {
    package static let current = "0.1.0"
}
