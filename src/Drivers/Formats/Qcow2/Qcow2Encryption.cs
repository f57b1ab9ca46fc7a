namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>How guest data is encrypted (specification: Header, bytes 32 to 35).</summary>
internal enum Qcow2Encryption : uint
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>AES-128-CBC with the passphrase as its key.</summary>
    Aes = 1,

    /// <summary>As a LUKS header says.</summary>
    Luks = 2,
}
