using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Objects;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>A secret that a user has created. Whoever needs it takes a copy; so it can be deleted at any time, and is wiped then. <i>QEMU: QCryptoSecret.</i></summary>
public sealed class SecretObject : IUserObject
{
    private readonly KeyMaterial _material;

    internal SecretObject(string? file, string format, string? keyId, KeyMaterial material)
    {
        _material = material;

        // What is in it can be neither read nor set: QEMU gives it to anybody who asks.
        Properties =
        [
            ObjectProperty.TypeOf(SecretType.TypeName),
            new ObjectProperty("data", "string"),
            new ObjectProperty("file", "string") { Read = () => file ?? string.Empty },
            new ObjectProperty("format", "QCryptoSecretFormat") { Read = () => format },
            new ObjectProperty("keyid", "string") { Read = () => keyId ?? string.Empty },
            new ObjectProperty("iv", "string"),
        ];
    }

    /// <inheritdoc/>
    public string TypeName => SecretType.TypeName;

    /// <inheritdoc/>
    public bool IsInUse => false;

    /// <inheritdoc/>
    public IReadOnlyList<ObjectProperty> Properties { get; }

    /// <summary>A copy of what is in the secret <paramref name="id"/>; the caller's. Main context.</summary>
    /// <exception cref="BlockException">There is no such secret.</exception>
    public static KeyMaterial CopyOf(NodeGraph graph, string id)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(id);
        if (!graph.Objects.TryGet(id, out IUserObject? found))
        {
            throw new BlockException(BlockErrorKind.NotFound, $"No secret with id '{id}'");
        }

        return found is SecretObject secret ? secret._material.Copy() : throw new BlockException($"Object with id '{id}' is not a secret");
    }

    /// <summary>Like <see cref="CopyOf"/>, of a passphrase: a text in UTF-8.</summary>
    /// <exception cref="BlockException">There is no such secret, or it is no text.</exception>
    public static KeyMaterial CopyOfText(NodeGraph graph, string id)
    {
        KeyMaterial copy = CopyOf(graph, id);
        if (SecretText.IsText(copy.Span))
        {
            return copy;
        }

        copy.Dispose();
        throw new BlockException($"Data from secret {id} is not valid UTF-8");
    }

    /// <inheritdoc/>
    public void Complete()
    {
        // It needs nothing outside of itself.
    }

    /// <inheritdoc/>
    public void Dispose() => _material.Dispose();
}
