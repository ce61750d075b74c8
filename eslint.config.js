import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'runs', 'proto/gen', '.cache'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_' },
      ],
      // Async handlers often have nothing to await yet keep one signature.
      '@typescript-eslint/require-await': 'off',
      'max-lines': ['error', { max: 400 }],
      // Errors are told apart by reason, never by their text.
      'no-restricted-syntax': [
        'error',
        {
          selector:
            "CallExpression[callee.property.name=/^(includes|match|startsWith|endsWith)$/][callee.object.property.name='message']",
          message: 'Match on an error class or reason, not on its message.',
        },
      ],
    },
  },
);
