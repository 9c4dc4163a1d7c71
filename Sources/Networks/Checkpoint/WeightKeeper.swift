/// Keeps weights, as they lie in memory, beyond the process that read them: sealed memory files (memfd_create(2)), each
/// under a name.
package protocol WeightKeeper: Sendable {
    /// What is kept under a name, from here on in use once more; `nil`: nothing is.
    ///
    /// - Returns: the keeper's descriptor, which it closes
    func take(_ name: String) -> CInt?

    /// Keeps a memory file under a name, in use once.
    ///
    /// - Parameter descriptor: the keeper's from here on
    func keep(_ descriptor: CInt, as name: String)

    /// Takes back one use; what nobody uses any more is not kept.
    func letGo(of name: String)
}
