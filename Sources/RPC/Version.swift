/// Of both programs and of the answers that they give.
package enum Version {
    package static let current = "0.1.0"
}
