using System.Buffers;
using System.Buffers.Text;
using System.Text;
using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>How a secret is written down: as UTF-8 or in base64. No message holds any of it.</summary>
internal static class SecretText
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly SearchValues<byte> s_alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n"u8);

    /// <summary>The bytes of a text.</summary>
    public static KeyMaterial ToBytes(string text)
    {
        KeyMaterial bytes = new(Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, bytes.Span);
        return bytes;
    }

    /// <summary>True where the bytes are a text, which has no zero inside.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return !bytes.Contains((byte)0) && s_strict.GetCharCount(bytes) >= 0;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    /// <summary>What <paramref name="text"/> stands for.</summary>
    /// <exception cref="BlockException">It is no base64.</exception>
    public static KeyMaterial FromBase64(ReadOnlySpan<byte> text)
    {
        if (text.ContainsAnyExcept(s_alphabet))
        {
            throw new BlockException("Base64 data contains invalid characters");
        }

        using KeyMaterial decoded = new(Base64.GetMaxDecodedFromUtf8Length(text.Length));
        return Base64.DecodeFromUtf8(text, decoded.Span, out _, out int length) == OperationStatus.Done
            ? new KeyMaterial(decoded.Span[..length])
            : throw new BlockException("Base64 data is not valid");
    }
}
