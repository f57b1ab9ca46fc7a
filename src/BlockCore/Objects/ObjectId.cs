using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Objects;

/// <summary>What an object may be called: a letter, then letters, digits, <c>-</c>, <c>.</c> and <c>_</c>. <i>QEMU: id_wellformed().</i></summary>
internal static class ObjectId
{
    /// <summary>Throws unless <paramref name="id"/> may name an object.</summary>
    /// <exception cref="BlockException">It may not.</exception>
    public static void Check(string id)
    {
        if (id.Length == 0 || !char.IsAsciiLetter(id[0]) || !id.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '.' or '_'))
        {
            throw new BlockException("Parameter 'id' expects an identifier")
            {
                Hint = "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.",
            };
        }
    }
}
